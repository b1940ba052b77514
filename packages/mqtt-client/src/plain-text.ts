/** Text of a stranger for a message: one line, at most 200 characters, no PEM. */
export function plainText(text: string): string {
  const line = text
    .slice(0, 2048)
    .replace(/-----BEGIN.*/s, '')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}
