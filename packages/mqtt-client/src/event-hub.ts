import { callListener } from './call-listener.ts'

/** Listeners by event. */
export interface EventHub<Events> {
  /** Returns the function that takes the listener off again. */
  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): () => void
  emit<Name extends keyof Events>(event: Name, value: Events[Name]): void
}

/** Makes an event hub. What a listener throws becomes an uncaught exception, and stops neither the other listeners nor the caller. */
export function createEventHub<Events>(names: readonly (keyof Events)[]): EventHub<Events> {
  const listeners = new Map(names.map(name => [name, new Set<(value: never) => void>()]))
  return {
    on(event, listener) {
      const added = (value: never): void => listener(value)
      const set = listeners.get(event)
      if (set === undefined) throw new TypeError(`there is no event "${String(event)}"`)
      set.add(added)
      return () => void set.delete(added)
    },
    emit(event, value) {
      for (const listener of [...(listeners.get(event) ?? [])]) callListener(() => listener(value as never))
    },
  }
}
