import { answerCalls } from '../fleet/calls.ts'
import { type BackendCalls, createBackendCalls } from './backend-calls.ts'

answerCalls(createBackendCalls() satisfies BackendCalls)
