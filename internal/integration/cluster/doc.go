// Package cluster tests several instances of the server behind a load balancer
// that sends each request to another one: together they are to be one login.
// Instances are processes of example/cluster, on a PostgreSQL server, behind the
// nginx that docs/cluster.md configures.
package cluster
