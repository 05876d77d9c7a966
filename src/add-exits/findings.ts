// What adding exits finds out, and what comes of it: for add-exits.ts, and for the tables and the card.
import type { Recording } from '../calibration/scores/recording.js';
import type { Accuracy } from './accuracy.js';
import type { Certified } from './certify-profiles.js';
import type { Choice } from './choose-exits.js';
import type { Compared } from './compare.js';
import type { Candidate } from './find-candidates.js';
import type { LinearHead } from './heads/exit-graph.js';
import type { FittedHead } from './heads/fit-heads.js';
import type { PlainNetwork } from './plain-network.js';
import type { Split } from './split.js';
import type { Times } from './times/measure-times.js';

/** What was found out about each candidate. */
export interface Findings {
  readonly plain: PlainNetwork;
  readonly candidates: readonly Candidate[];
  readonly heads: readonly FittedHead[];
  /** By exit that was chosen: its head, fitted again to all images for fitting. */
  readonly final: readonly LinearHead[];
  readonly times: Times;
  readonly choice: Choice;
  readonly split: Split;
  readonly notes: readonly string[];
}

export interface Results {
  readonly certified: readonly Certified[];
  readonly recording: Recording;
  /** undefined: the images do not say their classes. */
  readonly accuracy: Accuracy | undefined;
  /** By profile, seconds for an image on this machine. */
  readonly seconds: ReadonlyMap<string, number>;
  /** With the version before, if there is one. */
  readonly compared: readonly Compared[];
}
