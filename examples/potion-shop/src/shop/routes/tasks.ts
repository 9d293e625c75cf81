import { randomUUID } from 'node:crypto'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { BoundedMap } from '../bounded-map.ts'
import { Errors } from '../catalogue.ts'

const TITLE_LENGTH_MAX = 200

const TaskPath = z.object({ id: z.string() })
// `iso.date` checks the calendar: 29 February is valid in leap years only.
const NewTask = z.object({
  titulo: z
    .string()
    .min(1)
    .max(TITLE_LENGTH_MAX)
    .meta({ examples: ['Comprar maná'] }),
  fecha: z.iso.date().meta({ examples: ['2099-12-31'] }),
})
const Task = NewTask.extend({ id: z.uuid() })
const create = { tags: ['4.1'], summary: 'Create a task', response: { 201: Task } } as const
const find = { tags: ['4.1'], summary: 'One task', response: Task } as const

/** 4.1, the chapter's exercise: the error codes of an API for tasks. */
export function taskRoutes(entriesMax: number) {
  const tasks = new BoundedMap<{ readonly id: string; readonly titulo: string; readonly fecha: string }>(
    'tareas',
    entriesMax,
  )

  return async (app: FastifyInstance): Promise<void> => {
    app.post(
      '/tareas',
      route({ ...create, body: NewTask, errors: ['FECHA_INVALIDA', 'ALMACEN_LLENO'] }, async ({ body }, reply) => {
        const { titulo, fecha } = body
        const hoy = new Date().toISOString().slice(0, 10)
        // ISO dates sort as text.
        if (fecha < hoy) throw new Errors.FECHA_INVALIDA({ fecha, hoy })
        const task = { id: randomUUID(), titulo, fecha }
        tasks.set(task.id, task)
        reply.code(201).header('location', `/tareas/${task.id}`)
        return task
      }),
    )

    app.get(
      '/tareas/:id',
      route({ ...find, params: TaskPath, errors: ['TAREA_NO_ENCONTRADA'] }, async ({ params: { id } }) => {
        const task = tasks.get(id)
        if (task === undefined) throw new Errors.TAREA_NO_ENCONTRADA({ id })
        return task
      }),
    )
  }
}
