/** Calls somebody's listener or callback. What it throws becomes an uncaught exception: the mistake is seen, and stops neither the other listeners nor the caller. @internal */
export function callListener(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
