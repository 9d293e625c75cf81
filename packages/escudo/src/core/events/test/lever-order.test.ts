import { describe, expect, it, vi } from 'vitest'
import { bulkhead, retry, type ShieldEvent, shield } from '../../../index.ts'
import { watchAll } from '../events.ts'

describe('the order of the events of levers', () => {
  it('is that of the changes, if a listener reconfigures the shield', () => {
    const s = shield('again', bulkhead({ limit: 1 }), retry())
    const told: unknown[] = []
    s.on('reconfigured', ({ after }) => {
      if (Object.hasOwn(after, 'bulkhead')) s.reconfigure({ retry: { maxRetries: 0 } })
    })
    s.on('reconfigured', ({ after }) => told.push(after))
    s.reconfigure({ bulkhead: { limit: 2 } })
    expect(told).toEqual([{ bulkhead: { limit: 2 } }, { retry: { maxRetries: 0 } }])
  })

  it('is that of the changes, if a listener enables the shield', () => {
    const s = shield('guarded', retry())
    const told: string[] = []
    const stop = watchAll(({ type }: ShieldEvent) => told.push(type), ['disabled', 'enabled'])
    s.on('disabled', () => s.enable())
    s.on('disabled', () => told.push('disabled here'))
    s.on('enabled', () => told.push('enabled here'))
    s.disable()
    stop()
    expect(told).toEqual(['disabled here', 'disabled', 'enabled here', 'enabled'])
    expect(s.status().disabled).toBeUndefined()
  })

  it('is the same for each shield that shares a policy', () => {
    const shared = bulkhead({ limit: 1 })
    const [one, two] = [shield('one', shared), shield('two', shared)]
    const told: unknown[] = []
    one.on('reconfigured', ({ after }) => {
      if (after['bulkhead']?.['limit'] === 9) two.reconfigure({ bulkhead: { limit: 5 } })
    })
    for (const s of [one, two]) s.on('reconfigured', ({ shield, after }) => told.push([shield, after['bulkhead']]))
    one.reconfigure({ bulkhead: { limit: 9 } })
    expect(told).toEqual([
      ['one', { limit: 9 }],
      ['two', { limit: 9 }],
      ['two', { limit: 5 }],
      ['one', { limit: 5 }],
    ])
    expect(one.status().policies[0]).toMatchObject({ limit: 5 })
  })

  it('ends, with one warning, if listeners move levers without end', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const s = shield('endless', bulkhead({ limit: 1 }))
    let times = 0
    const stop = s.on('reconfigured', () => {
      times += 1
      s.reconfigure({ bulkhead: { limit: 1 + (times % 2) } })
    })
    s.reconfigure({ bulkhead: { limit: 2 } })
    expect(times).toBe(1_000)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('listeners moved levers 1000 times'), expect.anything()]])
    warn.mockRestore()
    stop()
    // The next change is told as ever.
    const told = vi.fn()
    s.on('reconfigured', told)
    s.reconfigure({ bulkhead: { limit: 3 } })
    expect(told).toHaveBeenCalledTimes(1)
  })
})
