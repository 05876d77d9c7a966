// Writes the spans of one image: decode, queue, and every segment that ran for it.
//
//   image ├ decode ─┤├ queue ────┤├ segment to exit 0 ─┤├ segment to exit 1 ─┤
import { type Attributes, type Context, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { Timeline } from '../../serving/timeline.js';

/**
 * @param ended end of the request, and of spans that were not finished
 * @param toEpoch from seconds on the service's clock to milliseconds since 1970
 */
export function writeImageSpans(
  tracer: Tracer,
  request: Context,
  timeline: Timeline,
  ended: number,
  toEpoch: (seconds: number) => number,
): void {
  const { started, decoded, begun, segments, finished, prediction } = timeline;
  if (started === undefined) return;
  const write = (
    name: string,
    parent: Context,
    from: number,
    to: number | undefined,
    attributes?: Attributes,
  ) => {
    const span = tracer.startSpan(
      name,
      { startTime: toEpoch(from), ...(attributes && { attributes }) },
      parent,
    );
    // The image was in this span when the request failed.
    if (to === undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(toEpoch(to ?? ended));
    return trace.setSpan(parent, span);
  };

  const image = write('image', request, started, finished, {
    ...(prediction && {
      'rdi.model': prediction.model.name,
      'rdi.model_version': prediction.model.version,
      'rdi.profile': prediction.profile,
      'rdi.exit': prediction.exit.index,
      'rdi.exit_reason': prediction.exit.reason,
      'rdi.flops': prediction.flops.executed,
    }),
  });
  write('decode', image, started, decoded);
  if (decoded === undefined) return;
  write('queue', image, decoded, begun);
  segments.forEach(({ exit, batch, started: from, seconds }, index) => {
    const before = segments[index - 1]?.exit ?? -1;
    const firstStage = before < exit ? before + 1 : 0; // not deeper than before: restarted after a worker died
    const stages = Array.from({ length: exit - firstStage + 1 }, (_, stage) => firstStage + stage);
    write(`segment to exit ${exit}`, image, from, from + seconds, {
      'rdi.exit': exit,
      'rdi.stages': stages,
      'rdi.batch': batch,
    });
  });
}
