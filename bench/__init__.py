"""What Trailkeeper costs, measured against an AWS endpoint that itself costs very little."""
