// The hook of routes for operators, which exist for all and answer only where the server was started with them.
import { Failure } from '../../foundation/errors.js';

/** @returns an onRequest hook. It throws Failure `forbidden` */
export function requireOperatorRoutes(operatorRoutes: boolean): () => Promise<void> {
  return async () => {
    if (!operatorRoutes) throw new Failure('forbidden', 'This server was started without --operator-routes.');
  };
}
