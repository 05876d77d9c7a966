// Metrics of the clients in the keys file, whose names bound the label.
import { Counter, Gauge, type Registry } from 'prom-client';

/** A client as far as the metrics show its state. */
export interface ObservedClient {
  readonly name: string;
  readonly budget: { readonly settings: { readonly flopsPerSecond: number }; balance(): number } | undefined;
}

type Budget = NonNullable<ObservedClient['budget']>;

export function clientMetrics(registers: Registry[]) {
  let read: () => readonly ObservedClient[] = () => [];
  const clientFlops = new Counter({
    name: 'rdi_client_flops_total',
    help: 'FLOPs executed for the images of a client, answered or not.',
    labelNames: ['client'],
    registers,
  });
  const clientRefusals = new Counter({
    name: 'rdi_client_refusals_total',
    help: 'Requests refused because the client had used up its budget.',
    labelNames: ['client'],
    registers,
  });
  const budgetGauge = (name: string, help: string, value: (budget: Budget) => number): unknown =>
    new Gauge({
      name,
      help,
      labelNames: ['client'],
      registers,
      collect() {
        this.reset();
        for (const { name: client, budget } of read()) if (budget) this.set({ client }, value(budget));
      },
    });
  budgetGauge(
    'rdi_client_budget_flops_per_second',
    'Budget of a client in the long run; no series without one.',
    ({ settings }) => settings.flopsPerSecond,
  );
  budgetGauge(
    'rdi_client_budget_balance_flops',
    'FLOPs left of the budget of a client; negative: a debt.',
    (budget) => budget.balance(),
  );
  return {
    clientFlops,
    clientRefusals,
    keysRefused: new Gauge({
      name: 'rdi_api_keys_refused',
      help: '1 while the keys file cannot be used and the server uses earlier keys.',
      registers,
    }),
    /** Sets the source of the clients’ budgets. */
    observeClients(clients: () => readonly ObservedClient[]): void {
      read = clients;
    },
    /** Removes all series of a client that has no key any more. */
    forgetClient(client: string): void {
      clientFlops.remove({ client });
      clientRefusals.remove({ client });
    },
  };
}
