module fleetcert.dev/bench

go 1.19
