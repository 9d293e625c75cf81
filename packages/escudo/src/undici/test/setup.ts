import { Agent } from 'undici'
import { onTestFinished } from 'vitest'
import { serve } from '../../http/test/setup.ts'
import { resilientRequest } from '../index.ts'
import type { ResilientRequestOptions } from '../options.ts'

/** An agent that is destroyed at the end of the test, so that no connection outlives it. */
export function testAgent(options?: Agent.Options): Agent {
  const agent = new Agent(options)
  onTestFinished(() => agent.destroy())
  return agent
}

/** A `resilientRequest` with a separate agent. */
export function client(options: Partial<ResilientRequestOptions>): ReturnType<typeof resilientRequest> {
  return resilientRequest({ name: 'inventory', dispatcher: testAgent(), ...options })
}

/** Serves one status after the other, and then the last one again. */
export async function serveStatuses(...statuses: number[]) {
  const served: (string | undefined)[] = []
  const origin = await serve((request, response) => {
    const status = statuses[served.length] ?? (statuses.at(-1) as number)
    served.push(request.method)
    response.writeHead(status, { 'content-type': 'application/json' }).end(`{"answer":${served.length}}`)
  })
  return { origin, served }
}
