-- The role and the database Coterie works in. Run once, as the superuser of a new PostgreSQL:
--   psql -U postgres -f postgres/create.sql
-- One statement to a line: the embedded PostgreSQL reads this in single-user mode.
CREATE ROLE dev LOGIN;
CREATE DATABASE chatapp OWNER dev;
