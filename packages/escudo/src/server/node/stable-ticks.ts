import { builtinModule } from '../../core/builtin-module.ts'

/** More than the runs after which V8 begins to collect types for a function. */
const RUNS = 40
let isStable = false

/**
 * Keeps `process.nextTick` fast. Called once, when a server is set up.
 *
 * Node 24 reads the id of the current resource for each tick and for each new resource. The first of these reads that V8
 * observes makes a small integer, all later ones make a double. If a tick is the first, V8 regards the objects of ticks as
 * polymorphic until the process ends, and each tick costs 0.35 µs more. A request has about seven of them, so that is a
 * tenth of a small one. Which one is first depends on how many ticks the start of a program has. Here, resources are.
 */
export function stabilizeTicks(): void {
  if (isStable) return
  isStable = true
  const hooks = builtinModule<{ AsyncResource: new (type: string) => object }>('node:async_hooks')
  if (hooks === undefined) return
  for (let run = 0; run < RUNS; run += 1) new hooks.AsyncResource('escudo')
}
