/** The next exception that nobody catches: what a listener or a callback throws is to be one. */
export function uncaught(): Promise<unknown> {
  return new Promise(resolve => {
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', error => {
      for (const other of others) process.on('uncaughtException', other)
      resolve(error)
    })
  })
}
