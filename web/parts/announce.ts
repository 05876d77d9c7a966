// Says short things to screen readers, without moving the focus.

export function announce(text: string): void {
  const region = document.getElementById('announcement');
  if (region) region.textContent = text;
}
