// The one file of a form (multipart/form-data), as web pages and `curl --form` send it.
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { Failure, messageOf } from '../../foundation/errors.js';
import { readBody } from './read-body.js';

/** A form with more parts is refused without looking at them. */
const MOST_PARTS = 16;

/** For `addContentTypeParser`. @returns the file's bytes. @throws Failure as `readBody`; and `invalid-body` */
export async function readFormFile(request: FastifyRequest): Promise<Buffer> {
  const body = await readBody(request);
  const { files, fields, isCut } = await partsOf(body, request.headers as BusboyHeaders);
  const [name] = fields;
  if (name !== undefined) {
    throw invalid(
      `The form has the field ${JSON.stringify(name)}; options belong into the address: /classify?topK=3.`,
    );
  }
  const [file] = files;
  if (isCut || files.length !== 1 || file === undefined) {
    const count = isCut ? `more than ${MOST_PARTS} parts` : `${files.length} files`;
    throw invalid(
      `The form has ${count}; it must be one image. POST /classify/batch takes several, as JSON.`,
    );
  }
  return file;
}

interface Parts {
  readonly files: Buffer[];
  /** Names of what is no file. */
  readonly fields: string[];
  isCut: boolean;
}

function partsOf(body: Buffer, headers: BusboyHeaders): Promise<Parts> {
  const parts: Parts = { files: [], fields: [], isCut: false };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(invalid(`The form cannot be read: ${messageOf(error)}.`, error));
    try {
      const form = new Busboy({ headers, limits: { parts: MOST_PARTS } });
      form.on('file', (_name, stream) => {
        const pieces: Buffer[] = [];
        stream.on('data', (piece: Buffer) => pieces.push(piece));
        stream.on('error', fail);
        stream.on('end', () => parts.files.push(Buffer.concat(pieces)));
      });
      form.on('field', (name) => parts.fields.push(name));
      form.on('partsLimit', () => {
        parts.isCut = true;
      });
      form.on('error', fail);
      form.on('finish', () => resolve(parts));
      form.end(body);
    } catch (error) {
      fail(error); // a content type without boundary
    }
  });
}

function invalid(detail: string, cause?: unknown): Failure {
  return new Failure('invalid-body', detail, { cause });
}
