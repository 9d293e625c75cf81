// Headers that a handler passes to `writeHead` of Node, in each of its forms.
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { FirstRun } from '../guard.ts'
import { keepOnNode, replayOnNode } from '../on-node.ts'
import type { StoredAnswer } from '../record.ts'

const closes: (() => void)[] = []
afterEach(() => {
  for (const close of closes.splice(0)) close()
})

const RUN: FirstRun = { end: async () => {}, breakOff: async () => {}, interrupt: () => {}, abandon: () => {} }

async function requested(server: Server, times: number): Promise<[Response, ...Response[]]> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closes.push(() => server.close())
  const answers: Response[] = []
  for (let time = 0; time < times; time += 1) {
    answers.push(await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  }
  return answers as [Response, ...Response[]]
}

/** Serves the answer of a handler, then its replay. Returns the headers of both. */
async function twice(handle: (response: ServerResponse) => void): Promise<readonly (readonly string[])[]> {
  let kept: StoredAnswer | undefined
  const end: FirstRun['end'] = async (answer) => {
    kept = answer as StoredAnswer
  }
  const server = createServer((_request, response) => {
    if (kept !== undefined) return replayOnNode(response, kept)
    keepOnNode({ ...RUN, end }, response, 1_000)
    handle(response)
  })
  return (await requested(server, 2)).map(({ headers }) =>
    [...headers].filter(([name]) => /^(?:x-|set-cookie|link)/.test(name)).map((pair) => pair.join('=')),
  )
}

const FORMS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'a list with two cookies': (response) => {
    response.setHeader('x-trace', 't')
    response.writeHead(201, ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'x-one', '1'])
  },
  'a list with two cookies, and no header before': (response) =>
    void response.writeHead(201, ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'set-cookie', 'c=3']),
  'a list that replaces what was set': (response) => {
    response.setHeader('x-one', '0')
    response.setHeader('set-cookie', ['z=0'])
    response.writeHead(201, ['x-one', '1', 'set-cookie', 'a=1', 'link', '<a>', 'Link', '<b>'])
  },
  'a list with lists': (response) =>
    void response.writeHead(201, ['set-cookie', ['a=1', 'b=2'], 'set-cookie', 'c=3'] as never),
  'a reason and a list': (response) => void response.writeHead(201, 'Made', ['set-cookie', 'a=1', 'set-cookie', 'b=2']),
  pairs: (response) =>
    void response.writeHead(201, [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ] as never),
  'an object': (response) => {
    response.setHeader('x-one', '0')
    response.writeHead(201, { 'X-One': 1, 'set-cookie': ['a=1', 'b=2'] })
  },
}

describe('the status of an answer is the one that was sent', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['after its first bytes', (response) => response.write('m')],
    ['after its headers', (response) => response.flushHeaders()],
    ['after writeHead', (response) => response.writeHead(201)],
  ])('also if the handler sets another one %s', async (_, send) => {
    let kept: unknown
    const end: FirstRun['end'] = async (answer) => {
      kept = answer
    }
    const server = createServer((_request, response) => {
      keepOnNode({ ...RUN, end }, response, 1_000)
      response.statusCode = 201
      send(response)
      response.statusCode = 500
      response.end('made')
    })
    const [{ status }] = await requested(server, 1)
    expect([status, kept]).toMatchObject([201, { status: 201 }])
  })
})

describe('a replay has the headers of writeHead', () => {
  it.each(Object.entries(FORMS))('given as %s', async (_, handle) => {
    const [first, replay] = await twice((response) => {
      handle(response)
      response.end('made')
    })
    expect(first?.length).toBeGreaterThan(0)
    expect(replay).toEqual(first)
  })
})
