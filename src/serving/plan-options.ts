// The options of a classification: their schemas, which every interface shows under its own names, and their type.
import Type from 'typebox';

export const PlanOptions = Type.Object({
  profile: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Which thresholds apply. Default: the model’s. `full`: none.',
    }),
  ),
  topK: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100_000, description: 'How many classes to report. Default: 1.' }),
  ),
  maxExit: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1000, description: 'The deepest exit to run to, from 0.' }),
  ),
  maxFlops: Type.Optional(
    Type.Integer({
      format: 'int64',
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'The most FLOPs to execute; the path ends at the deepest exit that is surely within.',
    }),
  ),
  deadlineMs: Type.Optional(
    Type.Number({
      minimum: 1,
      maximum: 600_000,
      description:
        'Milliseconds from admission. The answer is then that of the first exit reached after it; ' +
        'deadline-exceeded (504) if no worker had started by then.',
    }),
  ),
  explain: Type.Optional(
    Type.Enum(['path', 'full'], {
      type: 'string',
      description:
        'Adds `explanation`: what each exit said. path: the exits that the image ran through anyway. full: the image ' +
        'also runs on through the profile’s other exits to the final one. The answer stays the same; the FLOPs count ' +
        'as executed, so maxExit and maxFlops must allow them.',
    }),
  ),
});
export type PlanOptions = Readonly<Type.Static<typeof PlanOptions>>;
