package request

import "time"

// APIPrefix is where the API is.
const APIPrefix = "/api/v1"

// MaxBody is the most bytes a request may bring along.
const MaxBody = 64 << 10

// BodyTime is how long a request may take to send its body.
const BodyTime = 10 * time.Second
