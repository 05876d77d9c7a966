// JPEGs that no encoder at hand writes: lossless ones, made here, and what cameras and editors do to ordinary ones.

/** A lossless JPEG (SOF3, 8 bits, one component, each pixel predicted by its left neighbour) of uint8 [height, width]. */
export function losslessJpeg(pixels: Uint8Array, width: number, height: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(height, 0);
  size.writeUInt16BE(width, 2);
  // Nine categories of differences, each with the code of four bits that is its own number.
  const categories = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    segment(0xc3, [8, ...size, 1, 1, 0x11, 0]),
    segment(0xc4, [0, 0, 0, 0, categories.length, ...Array<number>(12).fill(0), ...categories]),
    segment(0xda, [1, 1, 0, 1, 0, 0]),
    codedDifferences(pixels, width),
    Buffer.of(0xff, 0xd9),
  ]);
}

function codedDifferences(pixels: Uint8Array, width: number): Buffer {
  let bits = '';
  pixels.forEach((value, index) => {
    const neighbour = index % width > 0 ? pixels[index - 1] : index > 0 ? pixels[index - width] : 128;
    const difference = value - (neighbour ?? 0);
    const category = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
    bits += category.toString(2).padStart(4, '0');
    const code = difference < 0 ? difference + 2 ** category - 1 : difference;
    if (category > 0) bits += code.toString(2).padStart(category, '0');
  });
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((eight) => Number.parseInt(eight.padEnd(8, '1'), 2));
  return Buffer.from(bytes.flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte])));
}

/** One segment with its length. */
export function segment(marker: number, body: readonly number[]): Buffer {
  return Buffer.of(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body);
}

/** The JPEG with bytes inserted in front of its first segment with this marker. */
export function insertBefore(jpeg: Buffer, marker: number, bytes: Buffer): Buffer {
  const at = jpeg.indexOf(Buffer.of(0xff, marker));
  return Buffer.concat([jpeg.subarray(0, at), bytes, jpeg.subarray(at)]);
}

/** The JPEG with zeros at the end of its first scan header, where 0, 63, 0 ought to be. */
export function zeroScanEnd(jpeg: Buffer): Buffer {
  const copy = Buffer.from(jpeg);
  const scan = copy.indexOf(Buffer.of(0xff, 0xda));
  copy.fill(0, scan + 2 + copy.readUInt16BE(scan + 2) - 3, scan + 2 + copy.readUInt16BE(scan + 2));
  return copy;
}

/** The JPEG with another marker in its frame header. */
export function renameFrame(jpeg: Buffer, marker: number): Buffer {
  const copy = Buffer.from(jpeg);
  copy[copy.indexOf(Buffer.of(0xff, 0xc0)) + 1] = marker;
  return copy;
}

/** Grey waves, 64 × 64: the same coefficients, Huffman coded and, by `jpegtran -arithmetic`, arithmetic coded. */
export const waves = {
  huffman: Buffer.from(
    '/9j/2wBDAAoHBwgHBgoICAgLCgoLDhgQDg0NDh0VFhEYIx8lJCIfIiEmKzcvJik0KSEiMEExNDk7Pj4+JS5ESUM8SDc9Pjv/wAALCABAAEABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAABgUEA//EAB8QAAAGAwEBAQAAAAAAAAAAAAABAgQFIRESIjEDMv/aAAgBAQAAPwBzHuk4Kxb+TpOvo4uXSdTsHJF0m7Bp46Tk7GJLpO3oqsXSclYUR7pOCsF4+Wouha+Utz+hxdS3J9A7Iy3vQMvJbo+hjTLdfoVWMtZdBRHy1F0DUe4XgrFv5OFa+ji5cK1OwdkXCrsGXjhex2MSXC9vRWYuF5Kwoj3CsFY2x7BWCoW/kwVr4OLpgrU6ByRYKugaeMFbHQxJYK28FViwVkqCiPYKwVBnHxZYLkW/lFlr+RxdRZanyDkjFlfINPIstj5GJMWW35FVjFlkuQoj4ssFyEEelGCFv5JRqOLpKNTB2RSiwZeEjYxiSSNhWYkjJBRHpRghJj5MsF0Lfyky19HF1Jlqdg7IyZX0DLyTLY+hjTJlt+hVYyZZLoKI+TLBdAhHyKsFYt/KRVr6OLqRVqdg7IyKrsGXkirY7GNMirb0VWMirJWFEfIqwVj/2Q==',
    'base64',
  ),
  arithmetic: Buffer.from(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAoHBwgHBgoICAgLCgoLDhgQDg0NDh0VFhEYIx8lJCIfIiEmKzcvJik0KSEiMEExNDk7Pj4+JS5ESUM8SDc9Pjv/yQALCABAAEABAREA/8wABgAQEAX/2gAIAQEAAD8A0oc5NG16aK3aGhIrwKGKRiIlAsXvKQ4by1/Yaohz01fzDxvm2uGrpRaLHRt6xopLLHu+PzCQrvk2hOyeKN0ZcVdszwHm7P8AsLjQML+ROkJTK2Gsn552yIUqriwSNuT+fFta7zJqHc9Oq0urC0wzXt1X7OgLEVwN/lVu+BSR/fpvq2tvrLdfsRTbSgVOXNj2S648fD/aTDJhWmKWDtiRVjEsWob7IXcfdI7N82SwVYlf+UikAUwq3XLXoiTCMctgNIdAAss7MnIso4MzO4Z0yX1bJELHvMQO1Wa0zheZJrdSQ/dYR+67VvSibj3zciSUhzV5YSAixbX/AOD/2Q==',
    'base64',
  ),
};

/** One grey for print, 16 × 16: as CMYK, and as YCCK, which is CMYK with its colours as luma and chroma. */
export const print = {
  cmyk: Buffer.from(
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCgwJCgoK/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAAJ/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA4EQwBNAFkASwAAPwCbababargAAAD/2Q==',
    'base64',
  ),
  ycck: Buffer.from(
    '/9j/7gAOQWRvYmUAZAAAAAAC/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCgwJCgoK/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAAJ/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA4EQwBNAFkASwAAPwCkAKuAAAAP/9k=',
    'base64',
  ),
};
