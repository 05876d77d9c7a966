// What several operations take or give.
import Type from 'typebox';

export const ModelVersion = Type.Optional(
  Type.String({ maxLength: 64, description: 'Default: the pinned version, or else the newest.' }),
);

export const VersionQuery = Type.Object({ version: ModelVersion }, { additionalProperties: false });

/** A body of bytes. */
export const Binary = Type.Unsafe<Buffer>({ type: 'string', format: 'binary' });
