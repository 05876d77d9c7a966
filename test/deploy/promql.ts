// Which series and labels a PromQL expression names, by the grammar of Prometheus itself.
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

export interface Use {
  readonly metric: string;
  /** Labels that it is matched on, and those that it is grouped or joined by. */
  readonly labels: ReadonlySet<string>;
}

/** @throws SyntaxError if it is not PromQL */
export function usesOf(expression: string): Use[] {
  const uses: Use[] = [];
  const { topNode } = parser.parse(expression);
  walk(topNode, new Set(), expression, uses);
  return uses;
}

/** The labels by which an expression aggregates; none if it does not. */
export function labelsMadeBy(expression: string): string[] {
  const labels: string[] = [];
  parser.parse(expression).iterate({
    enter({ node }) {
      if (node.name === 'AggregateModifier') labels.push(...labelNames(node, expression));
    },
  });
  return labels;
}

function walk(node: SyntaxNode, grouping: ReadonlySet<string>, text: string, uses: Use[]): void {
  if (node.type.isError) throw new SyntaxError(`not PromQL at ${node.from}: ${text}`);
  let inner = grouping;
  if (node.name === 'AggregateExpr') {
    // What an aggregation throws away cannot be grouped by further out: only its own labels count below it.
    const modifier = node.getChild('AggregateModifier');
    inner = new Set(modifier ? labelNames(modifier, text) : []);
  } else if (node.name === 'BinaryExpr') {
    const modifier = node.getChild('MatchingModifierClause');
    const joined = modifier?.getChild('On') ? labelNames(modifier, text) : [];
    inner = new Set([...grouping, ...joined]);
  }
  if (node.name === 'VectorSelector') {
    const name = node.getChild('Identifier');
    if (!name) throw new SyntaxError(`a selector without a metric: ${text}`);
    const matched = labelNames(node, text);
    uses.push({ metric: text.slice(name.from, name.to), labels: new Set([...grouping, ...matched]) });
    return;
  }
  for (let child = node.firstChild; child; child = child.nextSibling) walk(child, inner, text, uses);
}

function labelNames(node: SyntaxNode, text: string): string[] {
  const names: string[] = [];
  node.cursor().iterate((one) => {
    if (one.name === 'LabelName') names.push(text.slice(one.from, one.to));
  });
  return names;
}
