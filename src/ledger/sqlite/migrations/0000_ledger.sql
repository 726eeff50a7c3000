CREATE TABLE `attempt` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`token` text NOT NULL,
	`message_id` text NOT NULL,
	`worker_name` text NOT NULL,
	`worker_host` text NOT NULL,
	`worker_pid` integer NOT NULL,
	`worker_incarnation` text NOT NULL,
	`asked_database_at` integer NOT NULL,
	`lease_ends_database_at` integer NOT NULL,
	`began_at` integer,
	`ended_at` integer,
	`outcome` text,
	`code` text,
	`request_id` text,
	`ses_id` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `attempt_by_token` ON `attempt` (`token`);--> statement-breakpoint
CREATE INDEX `attempt_by_message` ON `attempt` (`message_id`);--> statement-breakpoint
CREATE INDEX `attempt_open` ON `attempt` (`number`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `attempt_asked` ON `attempt` (`asked_database_at`);--> statement-breakpoint
CREATE TABLE `audit` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`database_at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`reason` text NOT NULL,
	`before` text,
	`after` text,
	`previous_hash` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `cap` (
	`bucket` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`counted_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `edition` (
	`hash` text PRIMARY KEY NOT NULL,
	`campaign` text NOT NULL,
	`body` text NOT NULL,
	`created_database_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `enabled` (
	`campaign` text PRIMARY KEY NOT NULL,
	`edition_hash` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `gate` (
	`scope` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`epoch` integer NOT NULL,
	`reason` text NOT NULL,
	`actor` text NOT NULL,
	`since` integer NOT NULL,
	`claim_protocol` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `lease` (
	`name` text PRIMARY KEY NOT NULL,
	`holder` text NOT NULL,
	`until_database_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `message` (
	`id` text PRIMARY KEY NOT NULL,
	`campaign` text NOT NULL,
	`address` text,
	`recipient_key` text NOT NULL,
	`locale` text,
	`time_zone` text NOT NULL,
	`stage` text NOT NULL,
	`priority` integer NOT NULL,
	`not_before` integer NOT NULL,
	`not_after` integer,
	`wait` text,
	`state` text NOT NULL,
	`reference` text NOT NULL,
	`edition_hash` text,
	`render_values` text,
	`current_attempt` integer,
	`counted` text,
	`ses_id` text,
	`sent_at` integer,
	`doubt_since_database_at` integer,
	`delivery` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `message_by_reference` ON `message` (`reference`);--> statement-breakpoint
CREATE INDEX `message_sendable` ON `message` (`priority`,`not_before`,`id`,`campaign`,`not_after`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `message_live` ON `message` (`recipient_key`) WHERE state in ('pending', 'sending');--> statement-breakpoint
CREATE INDEX `message_in_doubt` ON `message` (`doubt_since_database_at`) WHERE state = 'in_doubt';--> statement-breakpoint
CREATE INDEX `message_to_forget` ON `message` (`updated_at`) WHERE address is not null and state in ('sent', 'failed', 'skipped');--> statement-breakpoint
CREATE INDEX `message_by_campaign_state` ON `message` (`campaign`,`state`);--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `pace` (
	`id` integer PRIMARY KEY NOT NULL,
	`next_slot_at` real NOT NULL,
	`resume_ramp` text,
	`throttled_ramp` text,
	`hold` text,
	`unanswered_in_a_row` integer NOT NULL,
	`ses_rate_per_second` real,
	`quota_max_24_hour` integer,
	`quota_used` integer,
	`quota_asked_database_at` integer
);
--> statement-breakpoint
CREATE TABLE `pin` (
	`pin_id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`email` text,
	`name` text,
	`account_id` text,
	`account_name` text,
	`locale` text,
	`time_zone` text,
	`set_at` integer,
	`expires_at` integer NOT NULL,
	`portal_version` text
);
--> statement-breakpoint
CREATE INDEX `pin_by_expiry` ON `pin` (`kind`,`expires_at`,`pin_id`);--> statement-breakpoint
CREATE TABLE `receipt` (
	`scope` text NOT NULL,
	`epoch` integer NOT NULL,
	`in_flight` text NOT NULL,
	`audit_hash` text NOT NULL,
	PRIMARY KEY(`scope`, `epoch`)
);
--> statement-breakpoint
CREATE TABLE `reminder` (
	`id` text PRIMARY KEY NOT NULL,
	`campaign` text NOT NULL,
	`pin_id` text NOT NULL,
	`version` text NOT NULL,
	`stage` text NOT NULL,
	`due_at` integer NOT NULL,
	`recipient_key` text,
	`message_id` text,
	`outcome` text,
	`reason` text,
	`decided_at` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `reminder_once` ON `reminder` (`campaign`,`pin_id`,`version`,`stage`);--> statement-breakpoint
CREATE INDEX `reminder_open` ON `reminder` (`campaign`,`recipient_key`,`id`) WHERE outcome is null;--> statement-breakpoint
CREATE INDEX `reminder_by_message` ON `reminder` (`message_id`);--> statement-breakpoint
CREATE INDEX `reminder_by_recipient` ON `reminder` (`recipient_key`);--> statement-breakpoint
CREATE INDEX `reminder_decided` ON `reminder` (`decided_at`);--> statement-breakpoint
CREATE TABLE `scan` (
	`campaign` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer NOT NULL,
	`examined` integer NOT NULL,
	`planned` integer NOT NULL
);
