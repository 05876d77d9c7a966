// Fits a head at every candidate to the network's own answers, with the penalty that agrees best on images apart.
import type { Engine } from '../../engines/engine.js';
import { argmax } from '../../policies/probabilities.js';
import type { LinearHead } from './exit-graph.js';
import { applyHead, type Rows } from './linear-products.js';
import { fitLogistic } from './logistic-regression.js';
import { normalEquations } from './normal-equations.js';

/** Penalties to try, of standardised features. */
const PENALTIES = [1e-2, 5e-2];

export interface FittedHead {
  readonly head: LinearHead;
  readonly penalty: number;
  /** Logits on the images apart, [images, classes]. */
  readonly logits: Float32Array;
  /** Share of the images apart that get the network's own answer. */
  readonly agreement: number;
}

/** Features of some images where an exit may hang, and the network's logits for them. */
export interface Observed {
  readonly features: Rows;
  readonly logits: Rows;
}

/** @param fit to fit on @param apart to choose the penalty on; none of them is among the first */
export async function fitHead(engine: Engine, fit: Observed, apart: Observed): Promise<FittedHead> {
  const equations = await normalEquations(engine, fit.features, fit.logits);
  const classes = fit.logits.width;
  const answers = answersOf(apart.logits.values, classes);
  let best: FittedHead | undefined;
  for (const penalty of PENALTIES) {
    const head = await fitLogistic(engine, equations, penalty);
    const logits = await applyHead(engine, apart.features, head);
    const own = answersOf(logits, classes);
    const agreement =
      own.reduce((sum, answer, image) => sum + Number(answer === answers[image]), 0) / own.length;
    if (!best || agreement >= best.agreement) best = { head, penalty, logits, agreement };
  }
  return best as FittedHead;
}

/** The head again, fitted with its penalty to more images: to all of them, once the choice has been made. */
export async function refitHead(engine: Engine, all: Observed, { penalty }: FittedHead): Promise<LinearHead> {
  return fitLogistic(engine, await normalEquations(engine, all.features, all.logits), penalty);
}

/** [image]: the class with the largest logit. */
export function answersOf(logits: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: logits.length / classes }, (_, image) =>
    argmax(logits.subarray(image * classes, (image + 1) * classes)),
  );
}
