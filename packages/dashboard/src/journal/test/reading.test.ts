import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { Reading } from '../reading.ts'

let reading: Reading
let steps: string[]
beforeEach(() => {
  reading = new Reading()
  steps = []
})

/** Something that is read until the returned function is called. */
function begin(name: string): () => void {
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  void reading.run(async () => {
    steps.push(`${name} begins`)
    await ended
    steps.push(`${name} ends`)
  })
  return end
}

async function pause(name: string): Promise<() => void> {
  const resume = await reading.pause()
  steps.push(name)
  return resume
}

describe('a pause of reading', () => {
  it('waits for all that is being read', async () => {
    const ends = [begin('poll'), begin('block')]
    const pausing = pause('pause')
    ends[0]?.()
    await nextTurn()
    expect(steps).toEqual(['poll begins', 'block begins', 'poll ends'])
    ends[1]?.()
    await pausing
    expect(steps.slice(-2)).toEqual(['block ends', 'pause'])
  })

  it('lets nothing begin until its end, nor another pause', async () => {
    const resume = await pause('pause')
    const end = begin('poll')
    const other = pause('other')
    await nextTurn()
    expect(steps).toEqual(['pause'])
    resume()
    await nextTurn()
    expect(steps).toEqual(['pause', 'poll begins'])
    end()
    const resumeOther = await other
    // The first pause is over: to end it again ends no other one.
    resume()
    begin('block')()
    await nextTurn()
    expect(steps).toEqual(['pause', 'poll begins', 'poll ends', 'other'])
    resumeOther()
    await reading.ended()
    expect(steps.slice(-2)).toEqual(['block begins', 'block ends'])
  })

  it('ends before the end of reading', async () => {
    const resume = await pause('pause')
    const ended = reading.ended().then(() => steps.push('ended'))
    await nextTurn()
    expect(steps).toEqual(['pause'])
    resume()
    await ended
  })

  it('is not kept from its begin by what fails', async () => {
    const failing = reading.run(() => Promise.reject(new Error('unreadable')))
    const resume = await pause('pause')
    resume()
    await expect(failing).rejects.toThrow('unreadable')
  })
})
