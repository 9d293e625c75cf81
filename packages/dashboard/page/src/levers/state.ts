import { computed, signal } from '@preact/signals'
import { language } from '../state/state.ts'
import type { Action, BreakerName } from './act.ts'
import { LEVER_TEXTS } from './texts.ts'

/** The levers that are open: those of one breaker with an action, or `all` to choose a breaker first. */
export const openLevers = signal<
  (BreakerName & { readonly action: Action; readonly state: string }) | 'all' | undefined
>(undefined)
/** The texts of the language. */
export const lt = computed(() => LEVER_TEXTS[language.value])
