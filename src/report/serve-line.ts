// The last line of the commands that make a package.

/** @param models the folder that has the package */
export function serveLine(models: string): string {
  return `To serve it: rdi-serve serve --models ${models}\n`;
}
