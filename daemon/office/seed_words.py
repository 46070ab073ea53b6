"""Words of a made-up provider: names, streets, zones. Nobody real is meant."""

from __future__ import annotations

FIRST = (
    "Ana", "María", "Rosa", "Luz", "Carmen", "Julia", "Elena", "Sofía", "Lucía", "Camila", "Valeria", "Daniela",
    "Gabriela", "Paola", "Milagros", "Yolanda", "Nélida", "Gladys", "Flor", "Inés", "José", "Luis", "Juan", "Carlos",
    "Jorge", "Miguel", "Pedro", "Raúl", "César", "Víctor", "Óscar", "Iván", "Álvaro", "Martín", "Diego", "Hugo",
    "Édgar", "Wilmer", "Percy", "Efraín", "Saúl", "Rubén", "Nicolás", "Tomás", "Mateo", "Joaquín",
)  # fmt: skip
LAST = (
    "Quispe", "Mamani", "Flores", "Huamán", "Rojas", "Vásquez", "Ramos", "Torres", "Castillo", "Chávez", "Espinoza",
    "Gutiérrez", "Mendoza", "Ríos", "Paredes", "Salazar", "Cárdenas", "Núñez", "Peña", "Ibáñez", "Álvarez", "Ayala",
    "Benítez", "Cáceres", "Delgado", "Escobar", "Figueroa", "Galeano", "Herrera", "Irala", "Jara", "León", "Medina",
    "Navarro", "Ojeda", "Palacios", "Quintana", "Riquelme", "Soto", "Tapia", "Ugarte", "Valdez", "Yáñez", "Zárate",
)  # fmt: skip
BUSINESSES = ("Bodega", "Ferretería", "Farmacia", "Panadería", "Taller", "Restaurante", "Librería", "Hostal")
STREETS = (
    "Jr. Los Cedros", "Av. del Río", "Calle Las Flores", "Pje. San Martín", "Av. Libertad", "Jr. Progreso",
    "Calle Real", "Av. Los Álamos", "Jr. Dos de Mayo", "Calle El Molino", "Av. Circunvalación", "Jr. La Unión",
)  # fmt: skip
ZONES = (
    "Centro", "Alto Valle", "La Ribera", "Los Olivos", "San Isidro", "El Mirador", "Santa Rosa", "Villa Nueva",
    "Las Lomas", "Puente Viejo",
)  # fmt: skip
ROUTERS = (
    "Torre Norte",
    "Torre Sur",
    "Torre Este",
    "Torre Oeste",
    "Cerro Alto",
    "Nodo Centro",
    "Nodo Ribera",
)
PLANS = (
    # name, download and upload in kbit/s, price in centimos, weight
    ("Hogar 10", 10_000, 5_000, 5000, 50),
    ("Hogar 20", 20_000, 10_000, 6500, 30),
    ("Hogar 50", 50_000, 20_000, 9000, 15),
    ("Negocio 100", 100_000, 50_000, 15000, 5),
)
METHODS = ("Efectivo", "Transferencia", "Billetera móvil", "Agente bancario")
MANUAL_REASONS = ("Viaje, a pedido del cliente", "Equipo en reparación", "Mudanza")
ANNOUNCEMENT_TITLE = "Mantenimiento programado"
ANNOUNCEMENT_HTML = (
    "<h3>Mantenimiento programado</h3><p>El domingo de 2:00 a 4:00 mejoraremos la red de su zona. "
    "Puede haber cortes breves. Gracias por su paciencia.</p>"
)
