// The entry of the writer's thread. It loads nothing but this package's own modules.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Checkpointer } from './checkpointer.ts'
import { encodeFailure } from './failure-message.ts'
import { openWriter } from './open-database.ts'
import { Sql } from './sql.ts'
import { toFailure } from './sqlite-error.ts'
import type { Answer, WriterData, WriterRequest, WriterResponse } from './thread-messages.ts'
import type { WriteArguments, WriteCall } from './write-call.ts'
import { writeTransaction } from './write-transaction.ts'

async function main(port: MessagePort, { file }: WriterData): Promise<void> {
  const reply = (response: WriterResponse): void => port.postMessage(response)
  try {
    serve(port, await openWriter(file), reply)
    reply({ opened: true })
  } catch (error) {
    // Nothing keeps the thread alive.
    reply({ opened: false, failure: encodeFailure(toFailure(error)) })
  }
}

function serve(
  port: MessagePort,
  database: Awaited<ReturnType<typeof openWriter>>,
  reply: (response: WriterResponse) => void,
): void {
  const sql = new Sql(database)
  const checkpointer = new Checkpointer(sql)

  port.on('messageerror', error => {
    throw error
  })
  port.on('message', (first: WriterRequest) => {
    const batches: (readonly WriteCall[])[] = []
    let isLast = false
    // Whatever has come in the meantime shares the transaction.
    for (let request: WriterRequest | undefined = first; request !== undefined; request = next(port)) {
      if (request === 'close') isLast = true
      else batches.push(request)
    }
    if (batches.length > 0) {
      const rows = sql.changedRows
      const answers = writeTransaction(sql, batches.flat()).map(
        (outcome): Answer => ('error' in outcome ? { failure: encodeFailure(outcome.error) } : outcome),
      )
      reply({ batches: batches.length, answers })
      for (const call of batches.flat()) releaseParts(call)
      checkpointer.wrote(sql.changedRows - rows)
    }
    if (isLast) {
      checkpointer.stop()
      database.close()
      port.close()
    }
  })
}

/** The octets of a CRL came here for good, and are tens of megabytes: the garbage collector of this thread, which does little else, would let them lie. */
function releaseParts(call: WriteCall): void {
  if (call.name !== 'putCrl') return
  const [, { parts }] = call.args as WriteArguments<'putCrl'>
  for (const { buffer } of parts) if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0)
}

function next(port: MessagePort): WriterRequest | undefined {
  return receiveMessageOnPort(port)?.message
}

void main(parentPort!, workerData)
