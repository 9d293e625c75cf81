import { attemptsOf } from 'escudo'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Dependencies } from '../dependencies.ts'

const ATTEMPTS_MAX = 3

const documented = {
  tags: ['4.4'],
  summary: 'Call a dependency that fails most of the time, with retries',
  response: z.object({ result: z.object({ message: z.string() }) }),
} as const

/** 4.4: a retry in front of a dependency that fails most of the time. */
export function callServiceRoutes({ callFlaky }: Dependencies) {
  const options = route({ ...documented, errors: ['SERVICE_UNAVAILABLE', 'UPSTREAM_ERROR'] }, async () => {
    try {
      return { result: await callFlaky() }
    } catch (error) {
      // An error that is not retried, such as a 404, keeps its own answer.
      const attempts = attemptsOf(error)?.length ?? 1
      if (attempts < ATTEMPTS_MAX) throw error
      throw new Errors.SERVICE_UNAVAILABLE({ attempts }, { cause: error })
    }
  })

  return async (app: FastifyInstance): Promise<void> => {
    app.get('/call-service', options)
    app.get('/call-service/', options)
  }
}
