import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { json, run, serve } from './setup.ts'

const REASON = 'fleet: 2 of 3'

function answer(state: string, reason?: string, disabled = false) {
  const breaker = { name: 'circuitBreaker', type: 'circuitBreaker', state, failures: 3, ...(reason ? { reason } : {}) }
  return json(200, {
    service: 'potion-shop',
    shields: [
      { name: 'external', policies: [breaker, { name: 'timeout', type: 'timeout' }] },
      { name: 'flaky', disabled, policies: [{ name: 'retry', type: 'retry' }] },
    ],
  })
}

/** An address at which nothing listens any more. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return `http://127.0.0.1:${port}`
}

const urlsOf = (servers: readonly { readonly url: string }[]): readonly string[] =>
  servers.flatMap(({ url }) => ['--url', url])

describe('escudo status with several instances', () => {
  it('shows the state of each shield in each instance, and why circuits are open', async () => {
    const servers = [
      await serve(answer('open', REASON)),
      await serve(answer('half-open', REASON, true)),
      await serve(answer('closed', 'an old reason')),
    ]
    const { code, out, err } = await run(['status', ...urlsOf(servers), '--token', 't0k3n'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(
      [
        'potion-shop: 3 of 3 instances answer',
        ...servers.map(({ url }, index) => `  ${index + 1}  ${url}`),
        '',
        '                  1          2          3',
        'external',
        '  circuitBreaker  open       half-open  closed',
        '                  fleet: 2 of 3',
        'flaky             enabled    disabled   enabled',
        '',
      ].join('\n'),
    )
    for (const { received } of servers) expect(received[0]?.headers.authorization).toBe('Bearer t0k3n')
  })

  it('lists an instance that does not answer with the reason, and a shield that only some have', async () => {
    const first = await serve(answer('closed'))
    const older = await serve(json(200, { service: 'potion-shop', shields: [] }))
    const gone = await closedUrl()
    const { code, out } = await run(['status', '--url', first.url, '--url', gone, '--url', older.url])
    expect(code).toBe(0)
    expect(out).toContain('potion-shop: 2 of 3 instances answer\n')
    expect(out).toContain(`  2  ${gone}  no connection: ECONNREFUSED`)
    expect(out).toContain('  circuitBreaker  closed     ?          -\n')
  })

  it('fails as a single instance does if none answers, or all refuse', async () => {
    const none = await run(['status', '--url', await closedUrl(), '--url', await closedUrl()])
    expect([none.code, none.out]).toEqual([3, ''])
    const refused = await serve(json(403, { error_code: 'FORBIDDEN', message: 'no' }))
    const all = await run(['status', '--url', refused.url, '--url', refused.url])
    expect([all.code, all.out]).toEqual([1, ''])
  })

  it('prints the answers as JSON, and only one shield if it is named', async () => {
    const shield = { name: 'external', policies: [] }
    const server = await serve(json(200, shield))
    const gone = await closedUrl()
    const { out } = await run(['status', 'external', '--json', '--url', server.url, '--url', gone])
    const { instances } = JSON.parse(out)
    expect(instances).toEqual([
      { url: server.url, answer: shield },
      { url: gone, problem: expect.stringContaining('ECONNREFUSED') },
    ])
    expect(server.received[0]?.path).toBe('/admin/shields/external')
  })

  it('splits the table where the terminal is too narrow', async () => {
    const server = await serve(answer('closed'))
    const urls = Array.from({ length: 8 }, () => ['--url', server.url]).flat()
    const terminal = { columns: () => 80, rows: () => 24, hasColor: true }
    const { out } = await run(['status', ...urls], terminal)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
    const plain = out.replace(/\u001b\[\d+m/g, '')
    expect(out).not.toBe(plain)
    const heads = plain.split('\n').filter((line) => /^ +\d+( +\d+)*$/.test(line))
    expect(heads.map((line) => line.trim().split(/ +/).map(Number))).toEqual([
      [1, 2, 3, 4, 5],
      [6, 7, 8],
    ])
    for (const line of plain.split('\n').slice(9)) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('takes one URL only for every other command', async () => {
    const { code, err } = await run(['watch', '--url', 'http://a', '--url', 'http://b'])
    expect([code, err]).toEqual([2, expect.stringContaining('--url may be given only once')])
  })
})
