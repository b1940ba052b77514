import type { Diagnosis } from './diagnose.ts'

const marks = { ok: 'ok     ', note: 'note   ', problem: 'PROBLEM' } as const

/** A diagnosis as text: a line for each finding, and below it what to do. */
export function formatDiagnosis({ findings }: Diagnosis): string {
  return findings
    .flatMap(({ level, code, sentence, advice }) => [
      `${marks[level]}  ${code}: ${sentence}`,
      ...(advice === undefined ? [] : [`         ${advice}`]),
    ])
    .join('\n')
}
