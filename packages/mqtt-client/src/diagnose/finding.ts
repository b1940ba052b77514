import { type FindingCode, findingTable } from './finding-table.ts'

/** What a finding is about, in the order in which a connection comes about. */
export type FindingStep = 'identity' | 'clock' | 'dns' | 'tcp' | 'tls' | 'server' | 'client' | 'mqtt'

/** `ok`: as it should be; `note`: worth knowing; `problem`: why there is no connection, or soon none. */
export type FindingLevel = 'ok' | 'note' | 'problem'

/** One thing that was found. It holds no key and no PEM. */
export interface Finding {
  /** Stable. */
  readonly code: FindingCode
  readonly step: FindingStep
  readonly level: FindingLevel
  /** What is the matter, in one or two sentences. */
  readonly sentence: string
  /** What to do about it; none for what is as it should be. */
  readonly advice?: string
}

/** Makes a finding: step, level and advice are the code's, `sentence` says what was seen. @internal */
export function finding(code: FindingCode, sentence: string): Finding {
  return { code, sentence, ...findingTable[code] }
}
