import { usageError } from '../output/cli-error.ts'

/** For an option that may be said several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** `name=value`, each name once. */
export function attributesOf(texts: readonly string[] = []): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined
  const attributes: Record<string, string> = {}
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (name === undefined || value === undefined) throw usageError(`--attribute: expected name=value, not "${text}"`)
    if (Object.hasOwn(attributes, name)) throw usageError(`--attribute: ${name} was said twice`)
    attributes[name] = value
  }
  return attributes
}
