// An encoded image as base64, the form in which JSON carries it.
import { Failure } from '../foundation/errors.js';

/**
 * @param text base64 (RFC 4648, padded), also with line breaks or as a data URL
 * @throws Failure `invalid-body`, `body-too-large`
 */
export function decodeBase64Image(text: string, maxImageBytes: number): Buffer {
  const encoded = isBase64(text) ? text : base64In(text);
  if (!isBase64(encoded)) {
    throw new Failure(
      'invalid-body',
      'This image is not base64 (RFC 4648, padded); line breaks and a data URL with ";base64" are taken too.',
    );
  }
  const bytes = Buffer.from(encoded, 'base64');
  refuseLargeImage(bytes, maxImageBytes);
  return bytes;
}

/** @throws Failure `body-too-large` */
export function refuseLargeImage(bytes: Uint8Array, maxImageBytes: number): void {
  if (bytes.length <= maxImageBytes) return;
  throw new Failure('body-too-large', `This image is larger than ${maxImageBytes} bytes.`);
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

/** Without what browsers put before (`data:image/png;base64,`) and command-line tools put between and after. */
function base64In(text: string): string {
  return text.replace(/^data:[^,]{0,200};base64,/i, '').replace(/[\r\n]+/g, '');
}
