import type { ChildProcess } from 'node:child_process'

// Questions that the benchmark asks its processes over their channel.

interface Question {
  readonly id: number
  readonly ask: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

type Handler = (argument: never) => unknown

const handlers = new Map<string, Handler>()
/** Questions that arrived while the program of the process was still loading. */
const early: Question[] = []

/** In a started process: answers a question of the benchmark. */
export function answer<A>(ask: string, handler: (argument: A) => unknown): void {
  if (handlers.size === 0) process.on('message', reply)
  handlers.set(ask, handler as Handler)
  for (const question of early.splice(0)) void reply(question)
}

async function reply(question: Question): Promise<void> {
  const { id, ask, argument } = question
  const handler = handlers.get(ask)
  if (handler === undefined) {
    early.push(question)
    return
  }
  try {
    process.send?.({ id, value: await handler(argument as never) } satisfies Answer)
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
}

let asked = 0

/**
 * In the benchmark: asks a process a question.
 *
 * @throws Error if the process cannot answer, or ends first
 */
export function ask<T>(child: ChildProcess, what: string, argument?: unknown): Promise<T> {
  asked += 1
  const id = asked
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      child.off('message', onMessage)
      child.off('exit', onExit)
      act()
    }
    const onMessage = (message: Partial<Answer>): void => {
      if (message.id !== id) return
      settle(() => (message.error === undefined ? resolve(message.value as T) : reject(new Error(message.error))))
    }
    const onExit = (): void => settle(() => reject(new Error(`a process ended before it answered '${what}'`)))
    child.on('message', onMessage)
    child.once('exit', onExit)
    child.send({ id, ask: what, argument } satisfies Question, (error) => {
      if (error !== null) settle(() => reject(error))
    })
  })
}
