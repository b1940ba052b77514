import type { ChildProcess } from 'node:child_process'

/** What a process can be asked for: one argument, one answer, both structured clones. */
// biome-ignore lint/suspicious/noExplicitAny: the bound of a type parameter; the calls themselves are typed
export type Calls = Record<string, (argument: any) => unknown>

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly code?: unknown } }

/** Answers the parent process. Ends this process when the parent is gone, however it ended. */
export function answerCalls(calls: Calls): void {
  process.on('disconnect', () => process.exit(1))
  // Ctrl-C goes to all processes of the terminal, and whoever stops a service stops all of its group; the parent ends this one when it is done.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  process.on('message', (message: unknown) => {
    const { id, name, argument } = message as Question
    const answer = (answered: Answer): void => void process.send?.(answered, () => {})
    Promise.resolve()
      .then(() => calls[name]!(argument))
      .then(
        value => answer({ id, value }),
        (error: Error & { code?: unknown }) => answer({ id, error: { message: error.message, code: error.code } }),
      )
  })
}

/** The caller's side of a child that answers {@link Calls}. */
export type Caller<Served extends Calls> = <Name extends keyof Served & string>(
  name: Name,
  argument: Parameters<Served[Name]>[0],
) => Promise<Awaited<ReturnType<Served[Name]>>>

/** Asks a child that was forked with `serialization: 'advanced'`. What is open when the child ends rejects. */
export function createCaller<Served extends Calls>(child: ChildProcess): Caller<Served> {
  const waiting = new Map<number, { resolve(value: never): void; reject(reason: Error): void }>()
  let count = 0
  child.on('message', (message: unknown) => {
    const answer = message as Answer
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) {
      asked?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }))
    } else asked?.resolve(answer.value as never)
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the process ended: ${signal ?? code}`))
    waiting.clear()
  })
  return (name, argument) =>
    new Promise((resolve, reject) => {
      if (child.exitCode !== null || child.signalCode !== null || !child.connected) {
        return reject(new Error('the process has ended'))
      }
      count += 1
      waiting.set(count, { resolve, reject })
      child.send({ id: count, name, argument } satisfies Question)
    })
}
