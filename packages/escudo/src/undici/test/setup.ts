import { Agent } from 'undici'
import { onTestFinished } from 'vitest'
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
