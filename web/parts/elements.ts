// Makes and finds elements. No markup is ever made from text, so nothing that a server says can become a script.

type Content = Node | string;

/** An element with attributes and content. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...content: Content[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** The element with this id, which the page always has. */
export function byId<Made extends HTMLElement>(id: string, Kind: new () => Made): Made {
  const found = document.getElementById(id);
  if (found instanceof Kind) return found;
  throw new Error(`The page has no ${Kind.name} with the id ${id}.`);
}

/** A bar of `share`, from 0 to 1. It only repeats a number beside it, so screen readers skip it. */
export function bar(share: number, kind = ''): HTMLElement {
  const made = element('span', { class: `bar ${kind}`.trim(), 'aria-hidden': 'true' }, element('span'));
  made.style.setProperty('--share', `${Math.max(0, Math.min(1, share))}`);
  return made;
}
