"""One physical crossbar array at work: mat-vec with converters, pulsed update, calibration."""
