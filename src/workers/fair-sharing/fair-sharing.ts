// Which flow is served next while several wait: start-time fair queueing (Goyal, Vin, Cheng 1996) on executed FLOPs. The
// cost of an image is known only afterwards. So a flow is charged what is expected, and corrected when the cost is known
// (as in the virtual token counter of Sheng et al., OSDI 2024).

/** The images of one client. Flows share the workers in proportion to their weights. */
export interface Flow {
  /** Positive. It may change at any time. */
  readonly weight: number;
  /** Whether its images are served after those of all other flows (slow-lane.ts). Default: false. */
  readonly isSlow?: boolean;
}

export interface FairSharing {
  /** An image arrives of a flow of which none waits. What the flow did not use before, it does not get later. */
  wake(flow: Flow): void;
  /**
   * The items in the order in which they should be served; `begin` between two steps has its effect. Of each flow the
   * first item comes first, of equal flows that with the first item.
   */
  inTurn<Item>(items: readonly Item[], flowOf: (item: Item) => Flow): Iterable<Item>;
  /** An image of the flow begins. @param flops what it is expected to cost */
  begin(flow: Flow, flops: number): void;
  /** @param flops what an image has cost beyond what was expected; negative: it cost less */
  correct(flow: Flow, flops: number): void;
}

export function createFairSharing(): FairSharing {
  /** By flow: FLOPs charged, divided by the weight. */
  const virtualTimes = new WeakMap<Flow, number>();
  /** Virtual time of the flow that was served last, when it was served. */
  let present = 0;

  const timeOf = (flow: Flow): number => virtualTimes.get(flow) ?? 0;
  const charge = (flow: Flow, flops: number): unknown =>
    virtualTimes.set(flow, timeOf(flow) + flops / flow.weight);

  function* inTurn<Item>(items: readonly Item[], flowOf: (item: Item) => Flow): Generator<Item, void> {
    const queues = new Map<Flow, Item[]>();
    for (const item of items) {
      const queue = queues.get(flowOf(item));
      if (queue) queue.push(item);
      else queues.set(flowOf(item), [item]);
    }
    while (queues.size > 0) {
      const [flow, queue] = [...queues].reduce((one, other) =>
        timeOf(other[0]) < timeOf(one[0]) ? other : one,
      );
      const [item] = queue.splice(0, 1) as [Item];
      if (queue.length === 0) queues.delete(flow);
      yield item;
    }
  }

  return {
    wake: (flow) => void virtualTimes.set(flow, Math.max(timeOf(flow), present)),
    inTurn,
    begin(flow, flops) {
      present = Math.max(present, timeOf(flow));
      charge(flow, flops);
    },
    correct: charge,
  };
}
