/** What a command says on the standard error besides its progress, of which a slow machine shows some lines. */
export function withoutProgress(stderr: string): string {
  return stderr.replaceAll(/^\d+\/\d+ .*\n/gm, '');
}
