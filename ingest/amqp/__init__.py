"""The second way to gateways: RabbitMQ, whose MQTT plugin they speak to, by AMQP."""
