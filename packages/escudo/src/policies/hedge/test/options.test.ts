import { describe, expect, test, vi } from 'vitest'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { fallback, type HedgeOptions, hedge, retryBudget, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

describe('options', () => {
  test.each<[string, unknown]>([
    ['hedge.after', {}],
    ['hedge.after', { after: null }],
    ['hedge.after', { after: Number.NaN }],
    ['hedge.after', { after: -1 }],
    ['hedge.after', { after: Number.POSITIVE_INFINITY }],
    ['hedge.after', { after: 'soon' }],
    ['hedge.after.quantile', { after: { initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: 0, initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: 1, initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: 95, initial: 1 } }],
    ['hedge.after.quantile', { after: { quantile: Number.NaN, initial: 1 } }],
    ['hedge.after.initial', { after: { quantile: 0.95 } }],
    ['hedge.after.initial', { after: { quantile: 0.95, initial: -1 } }],
    ['hedge.after.window', { after: { quantile: 0.95, initial: 1, window: 999 } }],
    ['hedge.after.windows', { after: { quantile: 0.95, initial: 1, windows: '1m' } }],
    ['hedge.maxHedges', { after: 1, maxHedges: 0 }],
    ['hedge.maxHedges', { after: 1, maxHedges: 1.5 }],
    ['hedge.maxHedges', { after: 1, maxHedges: Number.POSITIVE_INFINITY }],
    ['hedge.maxHedges', { after: 1, maxHedges: Number.NaN }],
    ['hedge.budget', { after: 1, budget: 10 }],
    ['hedge.budget', { after: 1, budget: null }],
    ['hedge.unsafe', { after: 1, unsafe: 'yes' }],
    ['hedge.name', { after: 1, name: '' }],
    ['hedge.delay', { after: 1, delay: 1 }],
    ['hedge', null],
  ])('rejects %s: %j', (path, options) => {
    expect(() => hedge(options as HedgeOptions)).toThrow(ConfigurationError)
    expect(() => hedge(options as HedgeOptions)).toThrow(new RegExp(`^${path}: `))
  })

  test('rejects a budget that is used with another clock', () => {
    const budget = retryBudget()
    const clock = virtualClock()
    shield({ name: 'a', clock }, hedge({ after: 1, budget }))
    shield({ name: 'b', clock }, hedge({ after: 1, budget }))
    expect(() => shield('c', hedge({ after: 1, budget }))).toThrow('hedge.budget: this budget is used by a shield with')
  })

  test('warns about doubtful policies inside a hedge', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    shield('doubtful', hedge({ after: '1s' }), fallback(null), timeout('1s', { name: 'attempt' }))
    shield('fine', fallback(null), hedge({ after: '1s' }), timeout('2s'))
    shield('live', hedge({ after: { quantile: 0.9, initial: '1s' } }), timeout('1s'))
    const texts = warned.mock.calls.map(([text]) => String(text))
    expect(texts).toHaveLength(2)
    expect(texts[0]).toMatch(/^hedge: shield 'doubtful': the fallback 'fallback' \w+ inside (of )?the hedge/)
    expect(texts[1]).toMatch(/^hedge\.after: shield 'doubtful': .*the timeout 'attempt'.* 1000 ms/)
    warned.mockRestore()
  })
})
