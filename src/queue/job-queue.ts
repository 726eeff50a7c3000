import type { IQueueBackend, Job, JobProgress, Queue, Worker } from 'bullmq'

/** All that a job carries: the id of the message to send, or the campaign to scan. */
export type JobData = { readonly messageId: string } | { readonly campaign: string | null }

/** BullMQ's classes on whichever backend. */
export type JobQueue = Queue<JobData, void, string, JobData, void, string, IQueueBackend, unknown>
export type JobWorker = Worker<JobData, void, string, IQueueBackend, JobProgress, unknown>
export type QueuedJob = Job<JobData, void, string>

/** The ledger decides what is tried again; and a record that stayed would swallow the next job of the same id. */
export const finishedJobsVanish = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const
