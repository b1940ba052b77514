// Of the process, as its warnings are.
const warned = new Set<string>()

/** A key that can leave the token is as safe as whoever may log in. */
export function warnExtractable(name: string): void {
  if (warned.has(name)) return
  warned.add(name)
  process.emitWarning(
    `The key ${name} can be extracted from its token: whoever has the PIN can copy it. Make it in the token.`,
    {
      code: 'FLEETCERT_EXTRACTABLE_KEY',
    },
  )
}
