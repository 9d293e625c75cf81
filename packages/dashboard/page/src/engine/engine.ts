export { EngineMapHint, EngineMapNotes } from './map-notes.tsx'
export { EngineAlert, EngineLimits } from './notices.tsx'
