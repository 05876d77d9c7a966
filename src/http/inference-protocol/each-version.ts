// The protocol's addresses of a model exist twice: for its default version and for a named one.
import Type from 'typebox';

export interface ModelParams {
  readonly model: string;
  /** undefined: the default one. */
  readonly version?: string;
}

const model = Type.String();
const version = Type.String();

/** @param operationId such as `infer`; the other is `inferVersion` */
export function eachVersion(path: string, operationId: string) {
  return [
    { url: `/v2/models/:model${path}`, operationId, params: Type.Object({ model }) },
    {
      url: `/v2/models/:model/versions/:version${path}`,
      operationId: `${operationId}Version`,
      params: Type.Object({ model, version }),
    },
  ];
}
