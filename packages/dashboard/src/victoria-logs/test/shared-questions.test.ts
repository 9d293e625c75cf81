import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SharedQuestions } from '../shared-questions.ts'

const KEPT_MS = 5_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A question that a test answers. */
class Asked {
  readonly signals: AbortSignal[] = []
  readonly answers: ((value: number) => void)[] = []
  readonly failures: ((error: Error) => void)[] = []

  readonly ask = async (signal: AbortSignal): Promise<number> => {
    this.signals.push(signal)
    return await new Promise((resolve, reject) => {
      this.answers.push(resolve)
      this.failures.push(reject)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
}

it('asks once what is wanted several times at the same time, and again when the answer is old', async () => {
  const questions = new SharedQuestions<number>()
  const asked = new Asked()
  const get = (key = 'a'): Promise<number> => questions.get(key, KEPT_MS, asked.ask, new AbortController().signal)
  const both = [get(), get()]
  const other = get('b')
  expect(asked.answers).toHaveLength(2)
  asked.answers[0]?.(1)
  asked.answers[1]?.(2)
  expect(await Promise.all([...both, other])).toEqual([1, 1, 2])
  vi.advanceTimersByTime(KEPT_MS - 1)
  expect(await get()).toBe(1)
  vi.advanceTimersByTime(2)
  const again = get()
  asked.answers[2]?.(3)
  expect(await again).toBe(3)
})

it('asks less often what takes long, and keeps a failure as long as an answer', async () => {
  const questions = new SharedQuestions<number>()
  const asked = new Asked()
  const get = (): Promise<number> => questions.get('a', KEPT_MS, asked.ask, new AbortController().signal)
  const first = get()
  vi.advanceTimersByTime(3_000)
  asked.failures[0]?.(new Error('no answer'))
  await expect(first).rejects.toThrow('no answer')
  vi.advanceTimersByTime(11_999)
  await expect(get()).rejects.toThrow('no answer')
  expect(asked.signals).toHaveLength(1)
  vi.advanceTimersByTime(2)
  void get()
  expect(asked.signals).toHaveLength(2)
})

it('cancels a question when no page waits for its answer any more, and not before', async () => {
  const questions = new SharedQuestions<number>()
  const asked = new Asked()
  const [first, second] = [new AbortController(), new AbortController()]
  const get = ({ signal }: AbortController): Promise<number> => questions.get('a', KEPT_MS, asked.ask, signal)
  const [one, two] = [get(first), get(second)]
  first.abort(new Error('gone'))
  await expect(one).rejects.toThrow('gone')
  expect(asked.signals[0]?.aborted).toBe(false)
  second.abort(new Error('gone too'))
  await expect(two).rejects.toThrow('gone too')
  expect(asked.signals[0]?.aborted).toBe(true)
  // A later question gets another answer.
  const later = get(new AbortController())
  asked.answers[1]?.(5)
  expect(await later).toBe(5)
  await expect(get(first)).rejects.toThrow('gone')
})

it('keeps a bounded number of answers, and all that a page waits for', async () => {
  const questions = new SharedQuestions<number>()
  const asked = new Asked()
  const get = (key: string): Promise<number> => questions.get(key, KEPT_MS, asked.ask, new AbortController().signal)
  const waiting = get('waiting')
  for (let number = 1; number <= 20; number += 1) {
    const answer = get(`n${number}`)
    asked.answers[number]?.(number)
    await answer
  }
  void get('n20')
  expect(asked.answers).toHaveLength(21)
  void get('n1')
  expect(asked.answers).toHaveLength(22)
  const same = get('waiting')
  asked.answers[0]?.(0)
  expect(await Promise.all([waiting, same])).toEqual([0, 0])
})
