// Images that people bring: chosen, photographed, dropped or pasted.

export interface SentImage {
  /** The same for all states of one drawing. */
  readonly key: object;
  readonly blob: Blob;
  readonly name: string;
  /** A URL of the image that this page can show. */
  readonly url: string;
}

const taken = ['image/png', 'image/jpeg', 'image/webp'];

/** The image as it is sent. An unknown type is sent as bytes, and the service looks at the content. */
export function sentImage(blob: Blob, name: string, key: object = {}): SentImage {
  const typed = taken.includes(blob.type) ? blob : new Blob([blob], { type: 'application/octet-stream' });
  return { key, blob: typed, name, url: URL.createObjectURL(blob) };
}

/** @param inputs file inputs. @param zone where files can be dropped */
export function receiveFiles(
  inputs: readonly HTMLInputElement[],
  zone: HTMLElement,
  onFile: (file: File) => void,
): void {
  const receive = (files: FileList | undefined | null): boolean => {
    const [file] = files ?? [];
    if (file) onFile(file);
    return file !== undefined;
  };
  for (const input of inputs) {
    input.addEventListener('change', () => {
      receive(input.files);
      input.value = ''; // so that the same file can be chosen again
    });
  }
  document.addEventListener('paste', (event) => {
    if (receive(event.clipboardData?.files)) event.preventDefault();
  });
  // The whole page takes files, so that one dropped beside the zone does not replace the page.
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) zone.classList.remove('dropping');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('dropping');
    receive(event.dataTransfer?.files);
  });
}
