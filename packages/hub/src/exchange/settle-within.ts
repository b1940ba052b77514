/** What `promise` settles as, or `late()`, which must not throw, once the time is over; the promise itself goes on. */
export async function settleWithin<T>(
  milliseconds: number,
  promise: Promise<T>,
  late: () => T | Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<T>(resolve => {
    timer = setTimeout(() => resolve(late()), milliseconds)
  })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
  }
}
