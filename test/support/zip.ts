// Writes zip archives for tests, entries stored or deflated (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16).
import { crc32, deflateRawSync } from 'node:zlib';

const STORED = 0;
const DEFLATED = 8;

/** An archive of `files`; entries alternate between stored and deflated, so that both are always tested. */
export function zipOf(files: readonly (readonly [name: string, bytes: Uint8Array])[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  files.forEach(([name, bytes], index) => {
    const method = index % 2 === 0 ? STORED : DEFLATED;
    const body = method === STORED ? Buffer.from(bytes) : deflateRawSync(bytes);
    // From "version needed" to "extra field length": the same in both headers.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(method, 4);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(body.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    const entry = Buffer.concat([signature(0x04034b50), shared, Buffer.from(name), body]);
    local.push(entry);
    central.push(
      Buffer.concat([signature(0x02014b50), Buffer.from([20, 0]), shared, place, Buffer.from(name)]),
    );
    offset += entry.length;
  });
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, signature(0x06054b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
