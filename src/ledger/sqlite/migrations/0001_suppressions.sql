CREATE TABLE `suppression` (
	`recipient_key` text PRIMARY KEY NOT NULL,
	`address` text NOT NULL,
	`actor` text NOT NULL,
	`reason` text NOT NULL,
	`since_database_at` integer NOT NULL
);
